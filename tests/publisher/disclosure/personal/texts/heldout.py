"""Texts and words of the part that the detectors are judged on; nobody looks here to mend a detector."""

SURNAMES = "Nguyễn Trần Lê Phạm Huỳnh Võ Đinh Trương Mai Ngô Hồ Cao Thân Nghiêm Từ Vương Phùng Lại Tống Đàm"
MIDDLES = "Văn Thị Thúy Phước Duy Tường Hoài Trung Thiên Cẩm Ái Kiều Chí Đăng Nguyên Lệ Thái Xuân"
GIVEN = "Ân Bách Cẩm Danh Diệp Hân Hậu Hiền Hưng Khang Khuê Liên Luân Mỹ Nghĩa Ngân Nguyệt Phát Quỳnh Sang Thanh Thuận Tín Tùng Tuyết Uyên Việt Vũ Như Trâm"
OTHER_NAMES = ["Lý Mí Sình", "Danh Thị Sà Khọl", "Rơ Châm H'Yéo", "Emma Wilson", "Park Ji Hoon", "Chamaléa Thị Thủy"]
STREETS = [
    "Nguyễn Oanh",
    "Tân Kỳ Tân Quý",
    "Lạc Long Quân",
    "đường số 22",
    "Hồng Bàng",
    "Lê Đức Thọ",
    "Kha Vạn Cân",
    "Ung Văn Khiêm",
]
WARDS = ["phường 17", "P. 2", "phường Hiệp Phú", "Phường Sơn Kỳ", "xã Bình Mỹ", "phường Phú Thạnh"]
DISTRICTS = ["quận Gò Vấp", "Q.6", "Quận 9", "huyện Nhà Bè", "TP.HCM", "quận 11"]
SCHOOLS = ["THPT Trần Phú", "THCS Ngô Sĩ Liên", "Tiểu học Nguyễn Thái Sơn", "Mẫu giáo Bông Sen"]
COMPANIES = ["Công ty TNHH Dịch vụ Võ Gia Phát", "Công ty Cổ phần Xây dựng Lê Trần", "Doanh nghiệp tư nhân Hồng Ngọc"]

TEXTS = [
    "Thưa cán bộ phường, cháu tên {name}, cháu mất ví hôm qua ở chợ, trong ví có căn cước {id} và bằng lái {licence}. Ai nhặt được gọi giúp cháu {phone}.",
    "Phiếu tiếp nhận: công dân {name} (sinh {birth}), cư trú tại {address}, số điện thoại {phone}, nội dung xin xác nhận độc thân.",
    "Ý kiến cử tri {name}, {ward}: đề nghị sớm sửa đường Nguyễn Oanh. Ý kiến cử tri {name}: đèn tín hiệu ngã năm Chuồng Chó chớp vàng.",
    "18h40 nhận tin báo của anh {name}, nhà ở {address}: có trộm, xe mất biển {plate}. Tổ tuần tra đến lúc 18h55.",
    "Gửi phòng khám, tôi là mẹ bé {name}, sinh ngày {birth}, số thẻ BHYT {card}, mã y tế {patient}; xin kết quả qua mail {email}.",
    "Hội đồng gồm ông {name} (chủ tịch), bà {name} (ủy viên) và bà {name} (thư ký) thống nhất thông qua.",
    "Số tài khoản nhận trợ cấp: {bank} - Agribank, tên {name}, CMND cũ {old_id}.",
    "Người đứng tên trên sổ hồng {land} là {name}, số định danh {id}; thửa 45 tờ 12.",
    "Du khách {name}, passport {passport}, bị giật điện thoại gần chợ Bến Thành lúc 21 giờ.",
    "Tôi bị tài khoản {social} nhắn tin đe dọa, số gọi đến là {phone}. Kính mong công an can thiệp. {name}",
    "Bảo hiểm xã hội: chị {name}, mã số BHXH {bhxh}, nghỉ thai sản từ 2/2024, liên hệ {phone}.",
    "Lớp trưởng {name}, MSSV {student}, đại diện sinh viên kiến nghị giảm học phí, gửi từ {email}.",
    "Bố tôi tên {name}, hiện sống một mình tại {address}; nhờ tổ dân phố để ý giúp, có gì báo tôi {phone}.",
    "Xin quyết toán thuế, MST cá nhân: {tax}, họ tên {name}.",
    "Theo log, {ip} quét cổng lúc 02:13; máy in MAC {mac} bị ngắt mạng.",
    "Đề nghị thu hồi chứng chỉ hành nghề {practice} của ông {name} do hành nghề quá phạm vi.",
    "Ghim nhà em đây ạ: {coordinates} (nhà cổng xanh), điện thoại bàn nhà em {landline}.",
    "Hộ ông {name}, sổ hộ khẩu số {household}, có 5 nhân khẩu đang ở trọ.",
    "em ten {name_plain} nha o {address_plain} bi cup nuoc 3 ngay, lien he {phone} gap em",
    "KÍNH GỬI BAN QUẢN LÝ CHUNG CƯ. TÔI LÀ {name_upper}, CCCD {id}, ĐIỆN THOẠI {phone}, PHẢN ÁNH THANG MÁY HƯ.",
    "Nhân chứng {name} khai thấy xe {plate} tông vào dải phân cách rồi bỏ chạy về hướng cầu Bình Lợi.",
    "Bà con xóm tôi ai cũng biết chú {name} ({phone}), nhà {address}, nuôi heo gây mùi hôi.",
    "Ủy quyền cho ông {name}, căn cước công dân {id}, nơi thường trú {address}, được nhận kết quả thay.",
    "Bên A: {name}, sinh ngày {birth}\nBên B: {name}, số điện thoại {phone}\nHai bên hòa giải thành.",
    "Cô giáo {name} dạy lớp 4 {school} gửi lời cảm ơn phường đã sửa vỉa hè.",
    "Kết quả giải quyết hồ sơ {dossier}: đã cấp giấy phép xây dựng số 112/GPXD ngày 02/05/2024, lệ phí 75.000 đồng.",
    "Tuyến xe buýt 152 đi qua Nguyễn Văn Trỗi, Nam Kỳ Khởi Nghĩa và Hàm Nghi tạm ngưng từ 22/12/2024.",
    "Gọi {hotline} (đường dây nóng của Sở Giao thông) khi thấy ổ gà trên đường Võ Chí Công.",
    "{company}, mã số doanh nghiệp {company_tax}, văn phòng tại 18 Phan Đình Giót, phường 2, quận Tân Bình, trúng gói thầu 9,8 tỷ đồng.",
    "Nộp tiền vào tài khoản {treasury} tại KBNN TP.HCM, nội dung: chậm nộp, số tiền 12.500.000 đ, mã QHNS 1098765.",
    "Trạm biến áp TBA-59K-00123 và camera tại 10.84521, 106.67034 mất điện từ 3 giờ 15.",
    "Thủ tục {procedure} rút từ 15 ngày còn 10 ngày theo Quyết định 2345/QĐ-UBND ngày 05/06/2024.",
    "Trường {school}, số 20 đường Lê Đức Thọ, phường 17, quận Gò Vấp, tuyển sinh 320 chỉ tiêu, ĐT văn phòng 028 3894 1122.",
    "Tượng Trần Hưng Đạo ở bến Bạch Đằng, lăng Lê Văn Duyệt và đình Phong Phú được trùng tu 45,6 tỷ đồng.",
    "Công an {ward}, 55 Kha Vạn Cân, tiếp dân sáng thứ bảy; hộp thư congan.p17@tphcm.gov.vn.",
    "Phân khu 2 có 1.234 căn, giá 45.000.000 đồng/m2, mã dự án 7912024001, bàn giao 30/06/2026.",
    "Mã vận đơn 842093847561, hóa đơn 0004521, serial thiết bị SN8839201734, bảo hành đến 01/01/2027.",
    "Nhiệt độ 36,7; huyết áp 120/80; mạch 82; SpO2 98%; tái khám sau 7 ngày, toa thuốc số 5512.",
    "Phòng trực ban Bệnh viện Nguyễn Trãi 028 3923 5020, địa chỉ 314 Nguyễn Trãi, phường 8, quận 5.",
    "Đội bóng {school} gặp đội THCS Hoàng Văn Thụ ở chung kết giải Phù Đổng, tỉ số 2-1.",
    "Xe chuyên dùng biển xanh 50A-004.56 của quận đưa phần mềm bản 3.14.15.92 đến lắp ở phường Võ Thị Sáu.",
    "Dãy nhà trước số 120 đường Hồng Bàng, phường 12, quận 5 ngập 30 cm; cây đổ ngang số 88.",
]
