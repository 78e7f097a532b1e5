"""The words that columns are made of: those for tuning, and others for judging. All made up; no person's data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class World:
    """Words of one made-up set of agencies: names, places, mailboxes, and the headers they give their columns."""

    surnames: list[str]
    middles: list[str]
    given: list[str]
    minority: list[str]
    foreign: list[str]
    streets: list[str]
    wards: list[str]
    towns: list[str]
    provinces: list[str]
    banks: list[str]
    mail: list[str]
    roles: list[str]
    offices: list[str]
    notes: list[str]
    headers: dict[str, list[str]]
    cryptic: list[str]


def words(text: str) -> list[str]:
    """Return the words between semicolons."""
    return [word.strip() for word in text.split(";") if word.strip()]


TUNING = World(
    surnames=words("Nguyễn;Nguyễn;Nguyễn;Nguyễn;Nguyễn;Trần;Trần;Lê;Lê;Phạm;Huỳnh;Võ;Đặng;Bùi;Đỗ;Hồ;Ngô;Lý;Dương"),
    middles=words("Thị;Văn;Thị;Văn;Hữu;Ngọc;Minh;Thanh;Quốc;Thị Thu;Hoàng Gia;Đức;Thị Kim"),
    given=words(
        "An;Bình;Châu;Dũng;Giang;Hà;Hạnh;Hùng;Khánh;Lan;Linh;Long;Mai;Nam;Ngân;Phúc;Quân;Sơn;Thảo;Trang;Tuấn;Vy;Yến"
    ),
    minority=words(
        "H' Hen Niê;Y Moan Êban;Sùng A Pó;Giàng Thị Mỷ;Lò Văn Hặc;Thạch Sa Rane;Danh Út;K' Brếu;Vàng Seo Lử;Ksor H' Nhan;Siu Thoan;Kpă Thị Nga;Hạng A Chu;Bàn Văn Đức"
    ),
    foreign=words(
        "John Smith;Maria Garcia;Kim Min-jun;Park Ji-woo;Tanaka Hiroshi;Wang Wei;David Johnson;Emma Brown;Pierre Dupont;Anna Schmidt;Lee Soo-jin;Robert Miller;Sato Yuki;Michael O'Brien;Chen Li;James Wilson"
    ),
    streets=words(
        "Nguyễn Huệ;Lê Lợi;Trần Hưng Đạo;Võ Thị Sáu;Phan Đình Phùng;Hai Bà Trưng;Nguyễn Thị Minh Khai;Lý Tự Trọng;Cách Mạng Tháng Tám;Điện Biên Phủ;Lê Văn Sỹ;Phạm Ngũ Lão;Đinh Tiên Hoàng;Nguyễn Trãi;Tôn Đức Thắng"
    ),
    wards=words(
        "Sài Gòn;Tân Định;Bến Thành;Võ Thị Sáu;Phú Nhuận;Bình Thạnh;An Lạc;Tân Sơn Nhì;Thủ Đức;Long Trường;Hiệp Bình;Vũng Tàu;Dĩ An;Thuận An"
    ),
    towns=words("Quận 1;Quận 3;Quận 12;Bình Thạnh;huyện Củ Chi;huyện Hóc Môn;TP Thủ Đức"),
    provinces=words("TP.HCM;TP Hồ Chí Minh;tỉnh Bình Dương;Thành phố Hồ Chí Minh"),
    banks=words("Vietcombank;BIDV;Agribank;Techcombank;ACB;Sacombank"),
    mail=words("gmail.com;yahoo.com;yahoo.com.vn;hotmail.com;outlook.com"),
    roles=words(
        "vanthu@tphcm.gov.vn;info@sgtvt.hcmc.gov.vn;ubnd.q1@tphcm.gov.vn;c1nguyenhue.q1@hcm.edu.vn;contact@congtyabc.vn;tnmt.q3@tphcm.gov.vn;phongvanhoa@gmail.com;lienhe@saigontourist.vn"
    ),
    offices=words(
        "UBND Phường Bến Thành;Trường THPT Lê Quý Đôn;Bệnh viện Chợ Rẫy;Công an Quận 3;Trung tâm Y tế Quận 12;Sở Giao thông vận tải;Trường Tiểu học Nguyễn Bỉnh Khiêm;Công ty Cấp nước Bến Thành"
    ),
    notes=words(
        "đã xử lý;chuyển bộ phận chuyên môn;hồ sơ thiếu bản sao;mất nước từ sáng;đề nghị bổ sung;không đồng ý với mức phí;đã trả kết quả"
    ),
    headers={
        "personal_id": words(
            "so_cccd;CCCD;Số CCCD;cmnd_cccd;Số định danh cá nhân;SoDinhDanh;so_giay_to;SOGT;national_id;Căn cước công dân;cccd_nguoi_nop"
        ),
        "old_personal_id": words("cmnd;Số CMND;so_cmt;CMTND;Chứng minh nhân dân;so_cmnd_cu"),
        "social_insurance": words("so_bhxh;Mã số BHXH;Sổ BHXH;bao_hiem_xa_hoi;social_insurance_no"),
        "health_insurance": words("so_the_bhyt;Mã thẻ BHYT;BHYT;the_bao_hiem_y_te;health_insurance_card"),
        "tax_code": words("mst_ca_nhan;MST TNCN;Mã số thuế cá nhân;mst_nguoi_phu_thuoc;personal_tax_code"),
        "passport": words("so_ho_chieu;Hộ chiếu;passport_no;Số hộ chiếu;PASSPORT"),
        "driving_licence": words("gplx;so_gplx;Số giấy phép lái xe;Bằng lái xe;driving_licence_no"),
        "plate": words("bien_so_xe;Biển số;BSX;bien_kiem_soat;license_plate"),
        "phone": words("so_dien_thoai;Điện thoại;SĐT;sdt_lien_he;dtdd;phone_number;Mobile;Số ĐT;dien_thoai_nguoi_nop"),
        "bank_account": words("so_tai_khoan;STK;Số tài khoản ngân hàng;tk_ngan_hang;bank_account;account_number"),
        "email": words("email;Thư điện tử;e_mail_lien_he;Email người nộp;mail"),
        "address": words(
            "dia_chi;Địa chỉ thường trú;noi_o_hien_nay;Hộ khẩu thường trú;dia_chi_nha;home_address;dc_lien_he"
        ),
        "full_name": words(
            "ho_ten;Họ và tên;HOTEN;nguoi_nop;Chủ hộ;ten_benh_nhan;full_name;hoTenChuHo;applicant_name;Người đại diện"
        ),
        "birth_date": words("ngay_sinh;Ngày tháng năm sinh;NGAYSINH;dob;date_of_birth;ngaysinh_ch"),
        "coordinates": words("toa_do_nha;Tọa độ nơi ở;vi_do_nha_benh_nhan;home_lat;toa_do_ho_dan"),
        "land_certificate": words("so_gcn_qsdd;Số sổ đỏ;Số giấy chứng nhận QSDĐ;so_phat_hanh_gcn"),
        "household_book": words("so_ho_khau;Sổ hộ khẩu;SHK;so_so_ho_khau"),
        "person_code": words("mssv;ma_hoc_sinh;Mã bệnh nhân;ma_bn;Mã sinh viên;patient_id;ma_nhan_vien;student_code"),
        "ip_address": words("ip;dia_chi_ip;client_ip;IP truy cập"),
        "mac_address": words("mac;dia_chi_mac;mac_address"),
        "professional_licence": words("so_cchn;Chứng chỉ hành nghề;so_chung_chi_hanh_nghe;licence_doctor"),
        "social_account": words("facebook;link_facebook;Zalo;tai_khoan_mxh;facebook_ca_nhan"),
    },
    cryptic=words("F12;c7;Unnamed: 7;COL_3;cot5;x9;field_14;V2;_c0;Column8;truong_12;a1"),
)

HELD_OUT = World(
    surnames=words(
        "Nguyễn;Nguyễn;Nguyễn;Nguyễn;Trần;Trần;Lê;Phạm;Hoàng;Phan;Vũ;Trương;Đinh;Lâm;Mai;Đoàn;Trịnh;Cao;Tạ;Hà;Chu;Lương"
    ),
    middles=words("Thị;Văn;Thị Mỹ;Đình;Xuân;Công;Trung;Bá;Thùy;Khánh;Thị Hồng;Gia;Anh;Như;Bảo;Tấn"),
    given=words(
        "Ánh;Bách;Chi;Cường;Diệp;Đạt;Duyên;Hiếu;Hoa;Huy;Hương;Khoa;Kiệt;Loan;Lộc;My;Nga;Nghĩa;Nhi;Oanh;Phong;Phượng;Quỳnh;Tâm;Thành;Thư;Tiến;Trí;Uyên;Việt;Vinh;Xuân"
    ),
    minority=words(
        "H'Lim Mlô;Y Khoa Byă;Thào A Sử;Vừ Thị Dợ;Quàng Văn Pản;Sơn Thị Sa Phết;Kim Sa Môn;K'Tơi;Lù A Páo;Rơ Châm H'Yéo;Nay Der;Lầu Bá Chò;Tẩn Mỷ Dao;Điểu Sơn"
    ),
    foreign=words(
        "William Taylor;Sophie Martin;Choi Seo-yeon;Jung Ho-seok;Suzuki Kenji;Zhang Min;Daniel Anderson;Olivia White;Jean Moreau;Thomas Weber;Yamamoto Aiko;Ahmed Hassan;Liu Yang;Elizabeth Clark;Carlos Rodriguez;Nguyen Thi Jennifer"
    ),
    streets=words(
        "Trường Chinh;Giải Phóng;Lạc Long Quân;Hoàng Diệu;Bà Triệu;Phan Chu Trinh;Lê Duẩn;Nguyễn Văn Linh;Lê Hồng Phong;Bùi Thị Xuân;Nguyễn Lương Bằng;Trần Quang Khải;Ngô Quyền;Nguyễn Hữu Thọ;Tôn Thất Thuyết;Hùng Vương;Đội Cấn;Trần Duy Hưng"
    ),
    wards=words(
        "Phú Hội;Vĩnh Ninh;Thuận Hòa;Xuân Phú;Kim Long;An Cựu;Trường An;Hương Sơ;Thủy Biều;Phước Vĩnh;Hòa Cường;Thanh Khê;Mỹ An;Lê Đại Hành;Bạch Mai"
    ),
    towns=words("quận Cẩm Lệ;quận Đống Đa;thị xã Hương Thủy;huyện Phú Vang;TP Huế;quận Ninh Kiều;huyện A Lưới"),
    provinces=words("tỉnh Thừa Thiên Huế;Đà Nẵng;TP Hà Nội;Cần Thơ;Thanh Hóa"),
    banks=words("VietinBank;MB Bank;VPBank;TPBank;SHB;HDBank;Vietcombank"),
    mail=words("gmail.com;icloud.com;yahoo.com;live.com;gmail.com;proton.me"),
    roles=words(
        "banbientap@thuathienhue.gov.vn;sotaichinh@danang.gov.vn;thpt.phanchutrinh@edu.vn;hotro@dichvucong.gov.vn;mn.hoasen@phuvang.edu.vn;tuyensinh@hueuni.edu.vn;benhvien.c17@gmail.com;ketoan@htxphuvang.vn;bqlda.camle@danang.gov.vn"
    ),
    offices=words(
        "UBND xã Phú Thuận;Trường THCS Trần Cao Vân;Bệnh viện Đa khoa Cẩm Lệ;Chi cục Thuế quận Đống Đa;Trạm Y tế phường An Cựu;Ban Quản lý dự án số 2;Trường Mầm non Hoa Sen;Kho bạc Nhà nước Hương Thủy"
    ),
    notes=words(
        "dân phản ánh ngập úng;đã kiểm tra thực địa;chờ ý kiến lãnh đạo;kiến nghị lắp đèn;tiếng ồn ban đêm;rác chưa thu gom;đã phản hồi công dân"
    ),
    headers={
        "personal_id": words(
            "ma_dinh_danh;Số căn cước;Số CMND/CCCD;CanCuoc;so_gttt;id_card_no;Giấy tờ tùy thân;SO_CCCD_CHU_HO;identity_number;cccdKhachHang"
        ),
        "old_personal_id": words("CMND_9SO;so_chung_minh;Số CMT;cmt_nguoi_khai;chungminhnhandan"),
        "social_insurance": words("MaSoBHXH;so_so_bhxh;Mã BHXH;bhxh;Số sổ bảo hiểm xã hội"),
        "health_insurance": words("MaTheBHYT;Thẻ BHYT;so_bao_hiem_y_te;bhyt_no;SO THE BHYT"),
        "tax_code": words("MST cá nhân;ma_so_thue_ca_nhan;Mã số thuế người phụ thuộc;mst_hkd;tax_id_individual"),
        "passport": words("sohochieu;Số HC;passport_number;Passport No.;ho_chieu_khach"),
        "driving_licence": words("GPLX số;giay_phep_lai_xe;so_bang_lai;Số GPLX;driver_license"),
        "plate": words("BKS;Biển kiểm soát;bien_so;so_xe;Biển đăng ký;plate_no"),
        "phone": words(
            "dien_thoai;SoDienThoai;Số điện thoại liên lạc;DIDONG;tel;sdtNguoiLienHe;Di động;so_dt;contact_phone;Phone"
        ),
        "bank_account": words("tai_khoan;So TK;Tài khoản nhận tiền;sotaikhoan;acc_no;stk_ngan_hang"),
        "email": words("Email;emailLienHe;dia_chi_email;hop_thu;E-mail;email_address"),
        "address": words(
            "DiaChi;Nơi thường trú;Chỗ ở hiện nay;diachi_tamtru;Địa chỉ liên hệ;residence;address;noi_cu_tru"
        ),
        "full_name": words(
            "HoTen;Họ tên người khai;ten_chu_ho;Tên khách hàng;NGUOI_KHAI;nguoiDaiDien;student_name;Bệnh nhân;ho_va_ten;Người phụ trách"
        ),
        "birth_date": words("NgaySinh;Ngày sinh;ngay_thang_nam_sinh;birthday;birth_date;NTNS;ngay_sinh_tre"),
        "coordinates": words("toado_noio;Vị trí nhà bệnh nhân;lat_home;toa_do_ca_benh;kinh_do_ho_gia_dinh"),
        "land_certificate": words("Số GCN;so_do;giay_chung_nhan_qsdd;Số seri GCN;so_vao_so_gcn"),
        "household_book": words("HoKhau_So;Số sổ hộ khẩu;so_hk;sohokhau"),
        "person_code": words("MaSV;Mã học viên;maBenhNhan;patient_code;ma_can_bo;student_id;MSHS;ma_y_te"),
        "ip_address": words("IP;ip_address;remote_addr;Địa chỉ IP;ipNguoiDung"),
        "mac_address": words("MAC;macAddr;Địa chỉ MAC"),
        "professional_licence": words("CCHN;Số chứng chỉ hành nghề;cchn_bac_si;so_chung_chi_hn"),
        "social_account": words("Facebook;fb;zalo;Tài khoản Zalo;trang_ca_nhan;mang_xa_hoi"),
    },
    cryptic=words("F3;C11;Unnamed: 2;col_9;Cột 4;X5;Field7;var3;_c12;Column1;truong5;T08"),
)
